"""Writes lines like the bodies of GetUserEndpoints: 1 to 15 endpoints each, with the maps that real ones carry."""
import json
import random
import sys

CHANNELS = ["EMAIL", "SMS", "GCM", "APNS", "PUSH", "VOICE", "CUSTOM"]
CITIES = [("Berlin", "DEU", "10115"), ("São Paulo", "BRA", "01000-000"), ("Boston", "USA", "02108"),
          ("Zürich", "CHE", "8001"), ("Nagoya", "JPN", "450-0002"), ("Leeds", "GBR", "LS1 4DY")]
INTERESTS = ["Music", "Travel", "Photography", "Cooking", "Cycling", "Opera", "Gardening", "Science fiction"]


def date(r):
    return "20%02d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (
        r.randrange(18, 27), r.randrange(1, 13), r.randrange(1, 29), r.randrange(24), r.randrange(60),
        r.randrange(60), r.randrange(1000))


def token(r, length):
    return "".join(r.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", k=length))


def endpoint(r, user, application, user_attributes):
    channel = r.choice(CHANNELS)
    address = {"EMAIL": f"{user}@example.com", "SMS": "+49151%08d" % r.randrange(10**8)}.get(channel) or token(r, 64)
    city, country, code = r.choice(CITIES)
    attributes = {"Interests": r.sample(INTERESTS, r.randrange(1, 5)), "age": [str(r.randrange(18, 90))],
                  "plan": [r.choice(["free", "plus", "premium"])]}
    for number in range(r.randrange(4)):
        attributes["campaign_%d" % number] = [token(r, 12)]
    item = {
        "Address": address, "ApplicationId": application, "Attributes": attributes, "ChannelType": channel,
        "CohortId": str(r.randrange(100)), "CreationDate": date(r),
        "Demographic": {"AppVersion": "4.%d.%d" % (r.randrange(20), r.randrange(9)), "Locale": "de_DE",
                        "Make": r.choice(["Apple", "Samsung", "Google"]), "Model": "iPhone 15",
                        "ModelVersion": "A2846", "Platform": r.choice(["iOS", "Android"]),
                        "PlatformVersion": "17.%d" % r.randrange(6), "Timezone": "Europe/Berlin"},
        "EffectiveDate": date(r), "EndpointStatus": r.choice(["ACTIVE", "ACTIVE", "INACTIVE"]),
        "Id": "%08x-%04x-%04x-%04x-%012x" % (r.randrange(2**32), r.randrange(2**16), r.randrange(2**16),
                                            r.randrange(2**16), r.randrange(2**48)),
        "Location": {"City": city, "Country": country, "Latitude": round(r.uniform(-90, 90), 5),
                     "Longitude": round(r.uniform(-180, 180), 5), "PostalCode": code, "Region": "R%d" % r.randrange(50)},
        "Metrics": {"purchases": float(r.randrange(100)), "lifetime_value": round(r.uniform(0, 5000), 2)},
        "OptOut": r.choice(["NONE", "NONE", "ALL"]),
        "RequestId": "%08x-%04x-%012x" % (r.randrange(2**32), r.randrange(2**16), r.randrange(2**48)),
        "User": {"UserAttributes": user_attributes, "UserId": user},
    }
    if r.random() < 0.2:
        del item["Location"]
    if r.random() < 0.2:
        del item["Demographic"]
    return item


def main():
    megabytes, seed = float(sys.argv[1]), int(sys.argv[2])
    print(f"seed {seed}", file=sys.stderr)
    r = random.Random(seed)
    written, number = 0, 0
    while written < megabytes * 1e6:
        user = "user-%06d" % number
        attributes = {"first_name": [r.choice(["Jane", "José", "Aiko", "Ulrike"])], "tier": [token(r, 6)],
                      "segments": r.sample(INTERESTS, 2)}
        items = [endpoint(r, user, "810c7aab86d42fb2b56c8c966example", attributes)
                 for _ in range(r.randrange(1, 16))]
        line = json.dumps({"Item": items}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        sys.stdout.buffer.write(line)
        written += len(line)
        number += 1


main()
