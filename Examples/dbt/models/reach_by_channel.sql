{{ config(materialized='view') }}
select channel_type, count(*) as endpoints, count(distinct user_id) as users, count(*) filter (where is_reachable) as reachable
from {{ ref('endpoint_profiles') }}
group by channel_type
