-- Endpoints that are missing in endpoint_profiles, or built from what they were: a build from an earlier date is needed.
select endpoints.application_id, endpoints.endpoint_id
from {{ source('pinpoint', 'endpoints') }} as endpoints
left join {{ ref('endpoint_profiles') }} as built using (application_id, endpoint_id)
where built.endpoint_id is null or built.changed_at is distinct from endpoints.changed_at
