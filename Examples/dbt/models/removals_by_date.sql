{{ config(materialized='view') }}
select logical_date, reason, count(*) as endpoints
from {{ source('pinpoint', 'removals') }}
group by logical_date, reason
