"""Endpoints as Pinpoint spells them, each a function of the seed and its number alone.

Text is put together from drawn pieces instead of being serialised: ten million of them take minutes, not hours.
"""

import random
import sys
from hashlib import blake2b
from struct import Struct

APPLICATION = "810c7aab86d42fb2b56c8c966c0ffee0"
CHANNELS = ["EMAIL", "SMS", "GCM", "APNS", "PUSH", "VOICE", "CUSTOM", "EMAIL"]
CITIES = [("Berlin", "DEU", "10115"), ("São Paulo", "BRA", "01000-000"), ("Boston", "USA", "02108"),
          ("Zürich", "CHE", "8001"), ("Nagoya", "JPN", "450-0002"), ("Leeds", "GBR", "LS1 4DY")]  # fmt: skip
INTERESTS = ["Music", "Travel", "Photography", "Cooking", "Cycling", "Opera", "Gardening", "Science fiction"]
NAMES = ["Jane", "José", "Aiko", "Ulrike"]
DRAWS = Struct("<24H")


class Population:
    """`per_user` endpoints for each user (None: 1 to 15), `attributes` one-valued ones on each (None: what is usual).

    With `gaps` a fifth of the endpoints has no Location, and a fifth no Demographic. `lean` leaves out metrics, and all
    user attributes but one.
    """

    def __init__(self, seed=1, per_user=3, attributes=None, gaps=False, lean=False):
        self.seed, self.per_user, self.attributes, self.gaps, self.lean = seed, per_user, attributes, gaps, lean
        dice = random.Random(seed)
        letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
        self.tokens = ["".join(dice.choices(letters, k=12)) for _ in range(4096)]
        self.interests = [
            ",".join(f'"{name}"' for name in dice.sample(INTERESTS, dice.randrange(1, 5))) for _ in range(256)
        ]
        self.segments = [",".join(f'"{name}"' for name in dice.sample(INTERESTS, 2)) for _ in range(256)]

    def user_id(self, user):
        return "user-%07d" % user

    def endpoints_of(self, user):
        """The numbers of a user's endpoints."""
        if self.per_user:
            return range(user * self.per_user, (user + 1) * self.per_user)
        return range(user * 15, user * 15 + 1 + self.draw(b"user %d", user)[0] % 15)

    def answer(self, user):
        """What GetUserEndpoints says of a user."""
        return '{"Item":[%s]}' % ",".join(self.endpoint(number) for number in self.endpoints_of(user))

    def endpoint(self, number, is_changed=False):
        """An endpoint's JSON; changed, it has a later date, and another value, one less and one more in its maps."""
        draws, digest = self.draw(b"endpoint %d", number), self.digest.hex()
        user = number // (self.per_user or 15)
        city, country, code = CITIES[draws[0] % 6]
        channel = CHANNELS[draws[1] % 8]
        if channel == "EMAIL":
            address = "user-%07d@example.com" % user
        elif channel == "SMS":
            address = "+49151%05d%03d" % (draws[2], draws[3] % 1000)
        else:
            address = digest[32:96]
        demographic = location = metrics = ""
        if not (self.gaps and draws[4] % 5 == 0):
            demographic = (
                '"Demographic":{"AppVersion":"4.%d.%d","Locale":"de_DE","Make":"%s","Model":"iPhone 15",'
                '"ModelVersion":"A2846","Platform":"%s","PlatformVersion":"17.%d","Timezone":"Europe/Berlin"},'
            ) % (draws[5] % 20, draws[5] % 9, ("Apple", "Samsung", "Google")[draws[6] % 3],
                 ("iOS", "Android")[draws[6] % 2], draws[7] % 6)  # fmt: skip
        if not (self.gaps and draws[8] % 5 == 0):
            location = (
                '"Location":{"City":"%s","Country":"%s","Latitude":%.3f,"Longitude":%.3f,'
                '"PostalCode":"%s","Region":"R%d"},'
            ) % (city, country, (draws[9] * 274 % 180000) / 1e3 - 90, (draws[10] * 549 % 360000) / 1e3 - 180, code,
                 draws[11] % 50)  # fmt: skip
        if not self.lean:
            metrics = '"Metrics":{"lifetime_value":%d.%02d,"purchases":%d},' % (
                draws[12] % 5000, draws[13] % 100, draws[14] % 100 + is_changed)  # fmt: skip
        return (
            '{"Address":"%s","ApplicationId":"%s",%s"ChannelType":"%s","CohortId":"%d","CreationDate":"%s",%s'
            '"EffectiveDate":"%s","EndpointStatus":"%s","Id":"%s-%s-%s-%s-%s",%s%s"OptOut":"%s","RequestId":"%s",'
            '"User":{"UserAttributes":{%s},"UserId":"user-%07d"}}'
        ) % (address, APPLICATION, self.attributes_of(draws, is_changed), channel, draws[15] % 100,
             date(draws[16], draws[17], 2018), demographic,
             date(draws[18], draws[19], 2026 if is_changed else 2022),
             ("ACTIVE", "ACTIVE", "INACTIVE")[draws[20] % 3],
             digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32], location, metrics,
             ("NONE", "NONE", "ALL")[draws[20] % 3], digest[40:64],
             self.user_attributes_of(user, is_changed), user)  # fmt: skip

    def attributes_of(self, draws, is_changed):
        if self.attributes is not None:
            if self.attributes == 0:
                return ""
            first = draws[21]
            values = ",".join(
                '"attribute_%03d":["%s"]' % (number, self.tokens[first + number & 4095])
                for number in range(self.attributes)
            )
            return '"Attributes":{%s},' % values
        campaigns = "".join(
            ',"campaign_%d":["%s"]' % (number, self.tokens[draws[21] + number & 4095])
            for number in range(draws[22] % 4)
        )
        rest = '"revised":["1"]' if is_changed else '"age":["%d"]' % (18 + draws[23] % 72)
        plan = ("basic" if is_changed else ("free", "plus", "premium")[draws[23] % 3])
        return '"Attributes":{"Interests":[%s],%s,"plan":["%s"]%s},' % (
            self.interests[draws[22] & 255], rest, plan, campaigns)  # fmt: skip

    def user_attributes_of(self, user, is_changed):
        first = user * 2654435761
        tier = '"tier":["%s"]' % ("changed" if is_changed else self.tokens[first >> 7 & 4095])
        if self.lean:
            return tier
        name, segments = NAMES[first >> 5 & 3], self.segments[first >> 3 & 255]
        return '"first_name":["%s"],"segments":[%s],%s' % (name, segments, tier)

    def draw(self, what, number):
        """24 numbers below 65,536; the digest that they come from stays in `digest`."""
        self.digest = blake2b(what % number, digest_size=48, salt=b"%d" % self.seed).digest()
        return DRAWS.unpack(self.digest)


def date(first, second, year):
    return "%d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (
        year + first % 4, first % 12 + 1, first % 28 + 1, first % 24, second % 60, first % 60, second % 1000,
    )  # fmt: skip


if __name__ == "__main__":
    # So many answers, one a line, for whoever needs inputs to begin with.
    answering = Population(per_user=None, gaps=True)
    for answered in range(int(sys.argv[1])):
        print(answering.answer(answered))
