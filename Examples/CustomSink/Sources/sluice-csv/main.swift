import CSVFolderSink
import PipelineCore
import SluiceCommand

Sluice.launch(plugins: [PluginFactory(CSVFolderSink.self)])
