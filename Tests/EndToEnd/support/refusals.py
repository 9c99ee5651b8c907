"""Stores that a later version wrote, or that can't be read: every command refuses them, in the same words."""

COMMANDS = ("run", "retry", "status", "verify")
#: What is made of a file of JSON that names its format; the last ones are whole JSON.
DAMAGES = {
    "newer": lambda text: text.replace('"format":2', '"format":3').replace('"format":1', '"format":3'),
    "older than all": lambda text: text.replace('"format":2', '"format":0').replace('"format":1', '"format":0'),
    "empty": lambda text: "",
    "blank": lambda text: "\n",
    "garbage": lambda text: "\x00\x01" + text[2:],
    "a list": lambda text: "[]\n",
    "an object": lambda text: "{}\n",
    "another type": lambda text: text.replace('"pipeline":"', '"pipeline":7,"_":"'),
    "a format that is none": lambda text: '{"format":"two",' + text[1:].replace('"format":', '"_":'),
}


def refused_alike(call, place, state, server=None):
    """Checks that each command ends with 78 and says the same of `place`, and that nothing changes: `state()` gives all
    that is stored. Returns the words."""
    before, words = state(), {}
    if server:
        server.asked.clear()
    for command in COMMANDS:
        result = call(command)
        assert result.code == 78, f"{command}: exit {result.code}\n{result.err}"
        message = result.message
        assert str(place) in message, f"{command} doesn't name {place}:\n{message}"
        words[command] = message[message.index(str(place)) :].strip()
        assert state() == before, f"{command} has changed something"
    assert len(set(words.values())) == 1, words
    assert not server or not server.asked
    return words["run"]
