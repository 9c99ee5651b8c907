internal import CPostgres
internal import PipelineCore
