// SQLitePlugins
