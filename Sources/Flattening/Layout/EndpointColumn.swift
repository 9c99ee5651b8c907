internal import PipelineCore

/// The columns that take one member of an endpoint each, in the table's order; the raw value is the place.
enum EndpointColumn: UInt8, CaseIterable {
    case applicationID, endpointID, userID, address
    case channelType, cohortID, creationDate, effectiveDate, endpointStatus, optOut, requestID, appVersion
    case locale, make, model, modelVersion, platform
    case platformVersion, timezone, city, country, latitude
    case longitude, postalCode, region

    var name: String {
        switch self {
        case .applicationID: "application_id"
        case .endpointID: "endpoint_id"
        case .userID: "user_id"
        case .address: "address"
        case .channelType: "channel_type"
        case .cohortID: "cohort_id"
        case .creationDate: "creation_date"
        case .effectiveDate: "effective_date"
        case .endpointStatus: "endpoint_status"
        case .optOut: "opt_out"
        case .requestID: "request_id"
        case .appVersion: "demographic_app_version"
        case .locale: "demographic_locale"
        case .make: "demographic_make"
        case .model: "demographic_model"
        case .modelVersion: "demographic_model_version"
        case .platform: "demographic_platform"
        case .platformVersion: "demographic_platform_version"
        case .timezone: "demographic_timezone"
        case .city: "location_city"
        case .country: "location_country"
        case .latitude: "location_latitude"
        case .longitude: "location_longitude"
        case .postalCode: "location_postal_code"
        case .region: "location_region"
        }
    }

    var type: ColumnType {
        switch self {
        case .creationDate, .effectiveDate: .time
        case .latitude, .longitude: .real
        default: .text
        }
    }
}

/// What an endpoint's member means to a row.
enum EndpointMember {
    /// Text, time or number for a column.
    case column(EndpointColumn)
    case endpointID
    case applicationID
    case userID
    case demographic
    case location
    case attributes
    case metrics
    case user
    case userAttributes
}

extension MemberTable {
    /// The members of an endpoint itself.
    static let endpoint = MemberTable([
        "Address": .column(.address), "ApplicationId": .applicationID, "Attributes": .attributes,
        "ChannelType": .column(.channelType), "CohortId": .column(.cohortID),
        "CreationDate": .column(.creationDate), "Demographic": .demographic,
        "EffectiveDate": .column(.effectiveDate), "EndpointStatus": .column(.endpointStatus), "Id": .endpointID,
        "Location": .location, "Metrics": .metrics, "OptOut": .column(.optOut), "RequestId": .column(.requestID),
        "User": .user,
    ])

    static let demographic = MemberTable([
        "AppVersion": .column(.appVersion), "Locale": .column(.locale), "Make": .column(.make),
        "Model": .column(.model), "ModelVersion": .column(.modelVersion), "Platform": .column(.platform),
        "PlatformVersion": .column(.platformVersion), "Timezone": .column(.timezone),
    ])

    static let location = MemberTable([
        "City": .column(.city), "Country": .column(.country), "Latitude": .column(.latitude),
        "Longitude": .column(.longitude), "PostalCode": .column(.postalCode), "Region": .column(.region),
    ])

    static let user = MemberTable(["UserAttributes": .userAttributes, "UserId": .userID])
}
