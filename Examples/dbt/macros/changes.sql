{#- The first logical date that an incremental build looks at: that of the last change which is built, for the run of that date
    may have gone on since; or the one that is asked for. -#}
{% macro first_date() -%}
{%- if var('since') -%}
timestamp {{ dbt.string_literal(var('since')) }} at time zone 'UTC'
{%- else -%}
(select coalesce(max(changed_at), '-infinity') from {{ this }})
{%- endif -%}
{%- endmacro %}

{#- Deletes what `removals` says went. What has come back since is there, and is built as a change. -#}
{% macro delete_what_went() -%}
{%- if is_incremental() -%}
delete from {{ this }} as built
using {{ source('pinpoint', 'removals') }} as removals
where removals.logical_date >= {{ first_date() }}
    and built.application_id = removals.application_id
    and built.endpoint_id = removals.endpoint_id
    and not exists (
        select 1 from {{ source('pinpoint', 'endpoints') }} as endpoints
        where endpoints.application_id = removals.application_id and endpoints.endpoint_id = removals.endpoint_id
    )
{%- endif -%}
{%- endmacro %}
