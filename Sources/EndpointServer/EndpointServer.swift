// EndpointServer
