select application_id, endpoint_id, user_id, channel_type, address, effective_date
from {{ source('pinpoint', 'endpoints') }}
where endpoint_status = 'ACTIVE' and coalesce(opt_out, 'NONE') <> 'ALL' and address is not null
