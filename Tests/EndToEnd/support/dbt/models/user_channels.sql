select users.user_id, users.endpoint_count, count(distinct reachable.channel_type) as channels,
    max(reachable.effective_date) as last_seen
from {{ source('pinpoint', 'users') }} as users
left join {{ ref('reachable_endpoints') }} as reachable using (application_id, user_id)
where users.status = 'found'
group by 1, 2
