select name, value, count(*) as endpoints
from {{ source('pinpoint', 'endpoint_attributes') }}
group by 1, 2
