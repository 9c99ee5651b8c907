// FilePlugins
