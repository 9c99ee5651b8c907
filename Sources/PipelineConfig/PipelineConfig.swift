// PipelineConfig
