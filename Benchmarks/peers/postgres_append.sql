-- Ready CSV into the keyed tables of `append`, whose parts carry their run's ID, by psql's \copy: one transaction.
-- The tables are there; the CSV files are in psql's folder.
-- (\copy takes one line.)
\set ON_ERROR_STOP on
SET search_path = pinpoint;
BEGIN;
\copy endpoints (application_id, endpoint_id, user_id, address, channel_type, cohort_id, creation_date, effective_date, endpoint_status, opt_out, request_id, demographic_app_version, demographic_locale, demographic_make, demographic_model, demographic_model_version, demographic_platform, demographic_platform_version, demographic_timezone, location_city, location_country, location_latitude, location_longitude, location_postal_code, location_region, extra, ordinal, run_id, logical_date) FROM 'endpoints.csv' WITH (FORMAT csv)
\copy endpoint_attributes (application_id, endpoint_id, name, position, value, run_id) FROM 'endpoint_attributes.csv' WITH (FORMAT csv)
\copy endpoint_metrics (application_id, endpoint_id, name, value, run_id) FROM 'endpoint_metrics.csv' WITH (FORMAT csv)
\copy endpoint_user_attributes (application_id, endpoint_id, user_id, name, position, value, run_id) FROM 'endpoint_user_attributes.csv' WITH (FORMAT csv)
COMMIT;
