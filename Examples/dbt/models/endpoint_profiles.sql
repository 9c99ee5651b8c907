{#- One row for each endpoint: who it belongs to, whether it may be written to, and a few attributes and metrics as columns.
    What the pipeline hasn't changed since the last build isn't touched. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['application_id', 'endpoint_id'],
        on_schema_change='fail',
        pre_hook='{{ delete_what_went() }}'
    )
}}
-- depends_on: {{ source('pinpoint', 'removals') }}
with changed as (
    select endpoints.*
    from {{ source('pinpoint', 'endpoints') }} as endpoints
    {%- if is_incremental() %}
    {%- if not var('since') %}
    left join {{ this }} as built using (application_id, endpoint_id)
    {%- endif %}
    where endpoints.changed_at >= {{ first_date() }}
    {%- if not var('since') %}
        -- Of that date itself what is built already stays.
        and built.changed_at is distinct from endpoints.changed_at
    {%- endif %}
    {%- endif %}
),

attributes as (
    select
        application_id,
        endpoint_id
        {%- for attribute in var('attributes') %},
        string_agg(value, ', ' order by position)
            filter (where name = {{ dbt.string_literal(dbt.escape_single_quotes(attribute.name)) }}) as {{ attribute.column }}
        {%- endfor %}
    from {{ source('pinpoint', 'endpoint_attributes') }}
    inner join changed using (application_id, endpoint_id)
    group by application_id, endpoint_id
),

metrics as (
    select
        application_id,
        endpoint_id
        {%- for metric in var('metrics') %},
        max(value) filter (where name = {{ dbt.string_literal(dbt.escape_single_quotes(metric.name)) }}) as {{ metric.column }}
        {%- endfor %}
    from {{ source('pinpoint', 'endpoint_metrics') }}
    inner join changed using (application_id, endpoint_id)
    group by application_id, endpoint_id
)

select
    application_id,
    endpoint_id,
    changed.user_id,
    changed.channel_type,
    changed.address,
    changed.endpoint_status,
    changed.opt_out,
    coalesce(changed.endpoint_status, 'ACTIVE') = 'ACTIVE' and coalesce(changed.opt_out, 'NONE') <> 'ALL' as is_reachable,
    changed.location_country,
    changed.effective_date
    {%- for attribute in var('attributes') %},
    attributes.{{ attribute.column }}
    {%- endfor %}
    {%- for metric in var('metrics') %},
    metrics.{{ metric.column }}
    {%- endfor %},
    changed.changed_at
from changed
left join attributes using (application_id, endpoint_id)
left join metrics using (application_id, endpoint_id)
