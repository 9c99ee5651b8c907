-- Merges ready CSV into keyed tables that hold an earlier load, by the sqlite3 shell, writing only what differs.
--
-- Staging tables are temporary and in memory, with an index in the order of the key, which every statement follows.
-- Of an endpoint's parts what is gone is deleted; what is new is inserted, what differs updated, and the rest isn't
-- touched (an upsert whose WHERE says no writes nothing). Each endpoint's own row says when it was last seen, so it is
-- written in any case. An endpoint gives way only to one that isn't older.
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA cache_size = -65536;
PRAGMA temp_store = MEMORY;
CREATE TEMP TABLE new_endpoints (
    application_id TEXT, endpoint_id TEXT, user_id TEXT, address TEXT, channel_type TEXT, cohort_id TEXT,
    creation_date TEXT, effective_date TEXT, endpoint_status TEXT, opt_out TEXT, request_id TEXT,
    demographic_app_version TEXT, demographic_locale TEXT, demographic_make TEXT, demographic_model TEXT,
    demographic_model_version TEXT, demographic_platform TEXT, demographic_platform_version TEXT,
    demographic_timezone TEXT, location_city TEXT, location_country TEXT, location_latitude REAL,
    location_longitude REAL, location_postal_code TEXT, location_region TEXT, extra TEXT, ordinal INTEGER,
    run_id TEXT, logical_date TEXT);
CREATE TEMP TABLE new_endpoint_attributes (
    application_id TEXT, endpoint_id TEXT, name TEXT, position INTEGER, value TEXT);
CREATE TEMP TABLE new_endpoint_metrics (
    application_id TEXT, endpoint_id TEXT, name TEXT, value REAL);
CREATE TEMP TABLE new_endpoint_user_attributes (
    application_id TEXT, endpoint_id TEXT, user_id TEXT, name TEXT, position INTEGER, value TEXT);
.import --csv --schema temp endpoints.csv new_endpoints
.import --csv --schema temp endpoint_attributes.csv new_endpoint_attributes
.import --csv --schema temp endpoint_metrics.csv new_endpoint_metrics
.import --csv --schema temp endpoint_user_attributes.csv new_endpoint_user_attributes
CREATE UNIQUE INDEX temp.new_endpoints_key ON new_endpoints (application_id, endpoint_id);
CREATE UNIQUE INDEX temp.new_endpoint_attributes_key
    ON new_endpoint_attributes (application_id, endpoint_id, name, position);
CREATE UNIQUE INDEX temp.new_endpoint_metrics_key ON new_endpoint_metrics (application_id, endpoint_id, name);
CREATE UNIQUE INDEX temp.new_endpoint_user_attributes_key
    ON new_endpoint_user_attributes (application_id, endpoint_id, name, position);

BEGIN IMMEDIATE;
CREATE TEMP TABLE older AS
SELECT n.application_id, n.endpoint_id FROM new_endpoints AS n
JOIN endpoints AS t ON t.application_id = n.application_id AND t.endpoint_id = n.endpoint_id
WHERE t.effective_date > n.effective_date;
DELETE FROM new_endpoints WHERE (application_id, endpoint_id) IN (SELECT application_id, endpoint_id FROM older);
DELETE FROM new_endpoint_attributes WHERE (application_id, endpoint_id) IN (
    SELECT application_id, endpoint_id FROM older);
DELETE FROM new_endpoint_metrics WHERE (application_id, endpoint_id) IN (
    SELECT application_id, endpoint_id FROM older);
DELETE FROM new_endpoint_user_attributes WHERE (application_id, endpoint_id) IN (
    SELECT application_id, endpoint_id FROM older);

-- endpoint_attributes
DELETE FROM endpoint_attributes WHERE (application_id, endpoint_id, name, position) IN (
    SELECT t.application_id, t.endpoint_id, t.name, t.position FROM new_endpoints AS e
    JOIN endpoint_attributes AS t ON t.application_id = e.application_id AND t.endpoint_id = e.endpoint_id
    WHERE NOT EXISTS (
        SELECT 1 FROM new_endpoint_attributes AS n
        WHERE n.application_id = t.application_id AND n.endpoint_id = t.endpoint_id
            AND n.name = t.name AND n.position = t.position));
INSERT INTO endpoint_attributes (application_id, endpoint_id, name, position, value)
SELECT application_id, endpoint_id, name, position, value FROM new_endpoint_attributes WHERE true
ORDER BY application_id, endpoint_id, name, position
ON CONFLICT (application_id, endpoint_id, name, position) DO UPDATE SET value = excluded.value
WHERE value IS NOT excluded.value;

-- endpoint_metrics
DELETE FROM endpoint_metrics WHERE (application_id, endpoint_id, name) IN (
    SELECT t.application_id, t.endpoint_id, t.name FROM new_endpoints AS e
    JOIN endpoint_metrics AS t ON t.application_id = e.application_id AND t.endpoint_id = e.endpoint_id
    WHERE NOT EXISTS (
        SELECT 1 FROM new_endpoint_metrics AS n
        WHERE n.application_id = t.application_id AND n.endpoint_id = t.endpoint_id AND n.name = t.name));
INSERT INTO endpoint_metrics (application_id, endpoint_id, name, value)
SELECT application_id, endpoint_id, name, value FROM new_endpoint_metrics WHERE true
ORDER BY application_id, endpoint_id, name
ON CONFLICT (application_id, endpoint_id, name) DO UPDATE SET value = excluded.value
WHERE value IS NOT excluded.value;

-- endpoint_user_attributes
DELETE FROM endpoint_user_attributes WHERE (application_id, endpoint_id, name, position) IN (
    SELECT t.application_id, t.endpoint_id, t.name, t.position FROM new_endpoints AS e
    JOIN endpoint_user_attributes AS t ON t.application_id = e.application_id AND t.endpoint_id = e.endpoint_id
    WHERE NOT EXISTS (
        SELECT 1 FROM new_endpoint_user_attributes AS n
        WHERE n.application_id = t.application_id AND n.endpoint_id = t.endpoint_id
            AND n.name = t.name AND n.position = t.position));
INSERT INTO endpoint_user_attributes (application_id, endpoint_id, user_id, name, position, value)
SELECT application_id, endpoint_id, user_id, name, position, value FROM new_endpoint_user_attributes WHERE true
ORDER BY application_id, endpoint_id, name, position
ON CONFLICT (application_id, endpoint_id, name, position) DO UPDATE SET
    user_id = excluded.user_id, value = excluded.value
WHERE user_id IS NOT excluded.user_id OR value IS NOT excluded.value;

-- endpoints
INSERT INTO endpoints (
    application_id, endpoint_id, user_id, address, channel_type, cohort_id, creation_date, effective_date,
    endpoint_status, opt_out, request_id, demographic_app_version, demographic_locale, demographic_make,
    demographic_model, demographic_model_version, demographic_platform, demographic_platform_version,
    demographic_timezone, location_city, location_country, location_latitude, location_longitude,
    location_postal_code, location_region, extra, ordinal, run_id, logical_date)
SELECT application_id, endpoint_id, user_id, address, channel_type, cohort_id, creation_date, effective_date,
    endpoint_status, opt_out, request_id, demographic_app_version, demographic_locale, demographic_make,
    demographic_model, demographic_model_version, demographic_platform, demographic_platform_version,
    demographic_timezone, location_city, location_country, location_latitude, location_longitude,
    location_postal_code, location_region, extra, ordinal, run_id, logical_date
FROM new_endpoints WHERE true
ORDER BY application_id, endpoint_id
ON CONFLICT (application_id, endpoint_id) DO UPDATE SET
    user_id = excluded.user_id, address = excluded.address, channel_type = excluded.channel_type,
    cohort_id = excluded.cohort_id, creation_date = excluded.creation_date, effective_date = excluded.effective_date,
    endpoint_status = excluded.endpoint_status, opt_out = excluded.opt_out, request_id = excluded.request_id,
    demographic_app_version = excluded.demographic_app_version, demographic_locale = excluded.demographic_locale,
    demographic_make = excluded.demographic_make, demographic_model = excluded.demographic_model,
    demographic_model_version = excluded.demographic_model_version,
    demographic_platform = excluded.demographic_platform,
    demographic_platform_version = excluded.demographic_platform_version,
    demographic_timezone = excluded.demographic_timezone, location_city = excluded.location_city,
    location_country = excluded.location_country, location_latitude = excluded.location_latitude,
    location_longitude = excluded.location_longitude, location_postal_code = excluded.location_postal_code,
    location_region = excluded.location_region, extra = excluded.extra, ordinal = excluded.ordinal,
    run_id = excluded.run_id, logical_date = excluded.logical_date;
COMMIT;
-- One file again, as the program leaves it.
PRAGMA journal_mode = DELETE;
