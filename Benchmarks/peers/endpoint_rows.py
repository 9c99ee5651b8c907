"""An endpoint's JSON as rows of the normalized tables, as Python would do it by hand. Shared by the peers in Python.

Written from the tables' description alone, so that it is also the oracle of what the program writes. It knows clean
data only: every member of the type that it should have.
"""

#: Columns of the `endpoints` table between the IDs and `extra`, and where they come from.
MEMBERS = {
    "address": ("Address",), "channel_type": ("ChannelType",), "cohort_id": ("CohortId",),
    "creation_date": ("CreationDate",), "effective_date": ("EffectiveDate",), "endpoint_status": ("EndpointStatus",),
    "opt_out": ("OptOut",), "request_id": ("RequestId",),
    "demographic_app_version": ("Demographic", "AppVersion"), "demographic_locale": ("Demographic", "Locale"),
    "demographic_make": ("Demographic", "Make"), "demographic_model": ("Demographic", "Model"),
    "demographic_model_version": ("Demographic", "ModelVersion"), "demographic_platform": ("Demographic", "Platform"),
    "demographic_platform_version": ("Demographic", "PlatformVersion"),
    "demographic_timezone": ("Demographic", "Timezone"),
    "location_city": ("Location", "City"), "location_country": ("Location", "Country"),
    "location_latitude": ("Location", "Latitude"), "location_longitude": ("Location", "Longitude"),
    "location_postal_code": ("Location", "PostalCode"), "location_region": ("Location", "Region"),
}  # fmt: skip
IDENTITY = ["application_id", "endpoint_id", "user_id"]
SEEN = ["ordinal", "run_id", "logical_date"]
PART = ["application_id", "endpoint_id"]

USERS = ["application_id", "user_id", "status", "endpoint_count", *SEEN]
#: The tables of endpoints with their columns; where runs stand beside each other, the parts have `run_id` as well.
TABLES = {
    "endpoints": [*IDENTITY, *MEMBERS, "extra", *SEEN],
    "endpoint_attributes": [*PART, "name", "position", "value"],
    "endpoint_metrics": [*PART, "name", "value"],
    "endpoint_user_attributes": [*IDENTITY, "name", "position", "value"],
}


def tables(with_run):
    """The columns of each table, with `run_id` in the tables of parts or without it."""
    parts = ["run_id"] if with_run else []
    return {name: columns + (parts if name != "endpoints" else []) for name, columns in TABLES.items()}


class Flattening:
    """Gathers rows, a list for each table."""

    def __init__(self, run_id, logical_date, with_run=False):
        self.run_id, self.logical_date = run_id, logical_date
        self.last = (run_id,) if with_run else ()
        self.clear()

    def clear(self):
        self.rows = {name: [] for name in TABLES}

    def add(self, endpoint, ordinal, application_id=None, user_id=None):
        """An endpoint; IDs that were asked for win over its own."""
        user = endpoint.get("User", {})
        application_id = application_id or endpoint["ApplicationId"]
        user_id = user_id or user.get("UserId")
        key = (application_id, endpoint["Id"])
        last = self.last
        row = [*key, user_id]
        for path in MEMBERS.values():
            if len(path) == 1:
                row.append(endpoint.get(path[0]))
            else:
                row.append(endpoint.get(path[0], {}).get(path[1]))
        self.rows["endpoints"].append((*row, "{}", ordinal, self.run_id, self.logical_date))
        attributes = self.rows["endpoint_attributes"]
        for name, values in endpoint.get("Attributes", {}).items():
            for position, value in enumerate(values):
                attributes.append((*key, name, position, value, *last))
        metrics = self.rows["endpoint_metrics"]
        for name, value in endpoint.get("Metrics", {}).items():
            metrics.append((*key, name, float(value), *last))
        user_attributes = self.rows["endpoint_user_attributes"]
        for name, values in user.get("UserAttributes", {}).items():
            for position, value in enumerate(values):
                user_attributes.append((*key, user_id, name, position, value, *last))
