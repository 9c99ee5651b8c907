-- Merges ready CSV into keyed tables that hold an earlier load, writing only what differs.
--
-- Staging tables are temporary, so nothing of them goes to the WAL; ANALYZE gives the planner their sizes. Nested loops
-- are ruled out, because it takes what is gone for a single row, and would then scan a staging table for each one.
-- Of an endpoint's parts what is gone is deleted, what differs updated, what is new inserted.
-- Each endpoint's own row says when it was last seen, so it is written in any case, in one UPDATE: a heap-only one as
-- long as its page has room, for no indexed column changes.
-- An endpoint gives way only to one that isn't older.
\set ON_ERROR_STOP on
SET search_path = pinpoint;
SET work_mem = '256MB';
SET temp_buffers = '256MB';
SET enable_nestloop = off;
BEGIN;
CREATE TEMP TABLE new_endpoints ON COMMIT DROP AS SELECT
    application_id, endpoint_id, user_id, address, channel_type, cohort_id, creation_date, effective_date,
    endpoint_status, opt_out, request_id, demographic_app_version, demographic_locale, demographic_make,
    demographic_model, demographic_model_version, demographic_platform, demographic_platform_version,
    demographic_timezone, location_city, location_country, location_latitude, location_longitude,
    location_postal_code, location_region, extra, ordinal, run_id, logical_date
FROM endpoints WITH NO DATA;
CREATE TEMP TABLE new_endpoint_attributes ON COMMIT DROP AS SELECT
    application_id, endpoint_id, name, position, value
FROM endpoint_attributes WITH NO DATA;
CREATE TEMP TABLE new_endpoint_metrics ON COMMIT DROP AS SELECT
    application_id, endpoint_id, name, value
FROM endpoint_metrics WITH NO DATA;
CREATE TEMP TABLE new_endpoint_user_attributes ON COMMIT DROP AS SELECT
    application_id, endpoint_id, user_id, name, position, value
FROM endpoint_user_attributes WITH NO DATA;
\copy new_endpoints FROM 'endpoints.csv' WITH (FORMAT csv)
\copy new_endpoint_attributes FROM 'endpoint_attributes.csv' WITH (FORMAT csv)
\copy new_endpoint_metrics FROM 'endpoint_metrics.csv' WITH (FORMAT csv)
\copy new_endpoint_user_attributes FROM 'endpoint_user_attributes.csv' WITH (FORMAT csv)
ANALYZE new_endpoints;
ANALYZE new_endpoint_attributes;
ANALYZE new_endpoint_metrics;
ANALYZE new_endpoint_user_attributes;

CREATE TEMP TABLE older ON COMMIT DROP AS
SELECT application_id, endpoint_id FROM new_endpoints AS n JOIN endpoints AS t USING (application_id, endpoint_id)
WHERE t.effective_date > n.effective_date;
DELETE FROM new_endpoints WHERE (application_id, endpoint_id) IN (SELECT application_id, endpoint_id FROM older);
DELETE FROM new_endpoint_attributes WHERE (application_id, endpoint_id) IN (
    SELECT application_id, endpoint_id FROM older);
DELETE FROM new_endpoint_metrics WHERE (application_id, endpoint_id) IN (
    SELECT application_id, endpoint_id FROM older);
DELETE FROM new_endpoint_user_attributes WHERE (application_id, endpoint_id) IN (
    SELECT application_id, endpoint_id FROM older);

-- endpoint_attributes
DELETE FROM endpoint_attributes AS t USING new_endpoints AS e
WHERE t.application_id = e.application_id AND t.endpoint_id = e.endpoint_id
    AND NOT EXISTS (
        SELECT FROM new_endpoint_attributes AS n
        WHERE n.application_id = t.application_id AND n.endpoint_id = t.endpoint_id
            AND n.name = t.name AND n.position = t.position);
UPDATE endpoint_attributes AS t SET value = n.value FROM new_endpoint_attributes AS n
WHERE t.application_id = n.application_id AND t.endpoint_id = n.endpoint_id
    AND t.name = n.name AND t.position = n.position
    AND (t.value IS DISTINCT FROM n.value);
INSERT INTO endpoint_attributes (application_id, endpoint_id, name, position, value)
SELECT application_id, endpoint_id, name, position, value FROM new_endpoint_attributes AS n
WHERE NOT EXISTS (
    SELECT FROM endpoint_attributes AS t
    WHERE t.application_id = n.application_id AND t.endpoint_id = n.endpoint_id
        AND t.name = n.name AND t.position = n.position);

-- endpoint_metrics
DELETE FROM endpoint_metrics AS t USING new_endpoints AS e
WHERE t.application_id = e.application_id AND t.endpoint_id = e.endpoint_id
    AND NOT EXISTS (
        SELECT FROM new_endpoint_metrics AS n
        WHERE n.application_id = t.application_id AND n.endpoint_id = t.endpoint_id AND n.name = t.name);
UPDATE endpoint_metrics AS t SET value = n.value FROM new_endpoint_metrics AS n
WHERE t.application_id = n.application_id AND t.endpoint_id = n.endpoint_id AND t.name = n.name
    AND (t.value IS DISTINCT FROM n.value);
INSERT INTO endpoint_metrics (application_id, endpoint_id, name, value)
SELECT application_id, endpoint_id, name, value FROM new_endpoint_metrics AS n
WHERE NOT EXISTS (
    SELECT FROM endpoint_metrics AS t
    WHERE t.application_id = n.application_id AND t.endpoint_id = n.endpoint_id AND t.name = n.name);

-- endpoint_user_attributes
DELETE FROM endpoint_user_attributes AS t USING new_endpoints AS e
WHERE t.application_id = e.application_id AND t.endpoint_id = e.endpoint_id
    AND NOT EXISTS (
        SELECT FROM new_endpoint_user_attributes AS n
        WHERE n.application_id = t.application_id AND n.endpoint_id = t.endpoint_id
            AND n.name = t.name AND n.position = t.position);
UPDATE endpoint_user_attributes AS t SET user_id = n.user_id, value = n.value FROM new_endpoint_user_attributes AS n
WHERE t.application_id = n.application_id AND t.endpoint_id = n.endpoint_id
    AND t.name = n.name AND t.position = n.position
    AND (t.user_id IS DISTINCT FROM n.user_id OR t.value IS DISTINCT FROM n.value);
INSERT INTO endpoint_user_attributes (application_id, endpoint_id, user_id, name, position, value)
SELECT application_id, endpoint_id, user_id, name, position, value FROM new_endpoint_user_attributes AS n
WHERE NOT EXISTS (
    SELECT FROM endpoint_user_attributes AS t
    WHERE t.application_id = n.application_id AND t.endpoint_id = n.endpoint_id
        AND t.name = n.name AND t.position = n.position);

-- endpoints
UPDATE endpoints AS t SET
    user_id = n.user_id, address = n.address, channel_type = n.channel_type, cohort_id = n.cohort_id,
    creation_date = n.creation_date, effective_date = n.effective_date, endpoint_status = n.endpoint_status,
    opt_out = n.opt_out, request_id = n.request_id, demographic_app_version = n.demographic_app_version,
    demographic_locale = n.demographic_locale, demographic_make = n.demographic_make,
    demographic_model = n.demographic_model, demographic_model_version = n.demographic_model_version,
    demographic_platform = n.demographic_platform, demographic_platform_version = n.demographic_platform_version,
    demographic_timezone = n.demographic_timezone, location_city = n.location_city,
    location_country = n.location_country, location_latitude = n.location_latitude,
    location_longitude = n.location_longitude, location_postal_code = n.location_postal_code,
    location_region = n.location_region, extra = n.extra, ordinal = n.ordinal, run_id = n.run_id,
    logical_date = n.logical_date
FROM new_endpoints AS n
WHERE t.application_id = n.application_id AND t.endpoint_id = n.endpoint_id;
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
FROM new_endpoints AS n
WHERE NOT EXISTS (
    SELECT FROM endpoints AS t WHERE t.application_id = n.application_id AND t.endpoint_id = n.endpoint_id);
COMMIT;
