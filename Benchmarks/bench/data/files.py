"""Files of a population: archives, answers for nginx, lines for decoders."""

import gzip
from pathlib import Path


def archive(population, count, path, changed=lambda number: False, first=0, level=1):
    """Endpoints as a segment export has them, one a line, gzipped."""
    with gzip.open(path, "wb", level) as file:
        for start in range(first, first + count, 5000):
            numbers = range(start, min(start + 5000, first + count))
            lines = "\n".join(population.endpoint(number, changed(number)) for number in numbers)
            file.write(lines.encode() + b"\n")
    return Path(path)


def archives(population, count, folder, files):
    """The same, cut into so many files of about the same size."""
    folder.mkdir()
    for number in range(files):
        first, last = count * number // files, count * (number + 1) // files
        archive(population, last - first, folder / f"part-{number:05d}.gz", first=first)
    return folder


def answers(population, users, folder):
    """An answer for each user under the path that a client asks for, and a file with the users' IDs."""
    from .population import APPLICATION

    www = folder / "www" / "v1" / "apps" / APPLICATION / "users"
    www.mkdir(parents=True)
    for user in range(users):
        (www / population.user_id(user)).write_text(population.answer(user), encoding="utf-8")
    return ids(population, users, folder / "users.txt")


def ids(population, users, path):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{population.user_id(user)}\n" for user in range(users))
    return path


def lines(population, megabytes, path):
    """Answers, one a line, of so many megabytes in all."""
    written = user = 0
    with open(path, "wb") as file:
        while written < megabytes * 1e6:
            written += file.write(population.answer(user).encode() + b"\n")
            user += 1
    return path
