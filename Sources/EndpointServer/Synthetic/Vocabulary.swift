/// What synthetic endpoints are made of: JSON source texts, quotes included, so that a value's spelling is chosen here as well.
enum Vocabulary {
    static let words: [StaticString] = [
        #""red""#, #""green""#, #""blue""#, #""gold""#, #""silver""#, #""football""#, #""chess""#, #""opera""#,
        #""newsletter""#, #""daily""#, #""weekly""#, #""never""#, #""trial""#, #""premium""#, #""true""#, #""false""#,
    ]

    /// Words of many scripts, of two, three and four bytes a character, raw and as escapes.
    static let scripts: [StaticString] = [
        #""Grün""#, #""São Paulo""#, #""東京""#, #""Ελλάδα""#, #""Москва""#, #""مرحبا""#, #""שלום""#, #""ไทย""#,
        #""😀""#, #""👩‍👩‍👧‍👦 family""#, #""𝔘𝔫𝔦𝔠𝔬𝔡𝔢""#, #""\ud83d\ude00""#, #""\uD834\uDD1E clef""#, #""\u00e9t\u00e9""#,
        #""café""#, #""café""#,
    ]

    /// Texts that a careless reader or writer breaks. All of them are valid JSON.
    static let oddTexts: [StaticString] = [
        #""""#, #"" ""#, #""  padded  ""#, #""a\u0000b""#, #""\u0000""#, #""\ud800""#, #""low \udc00 alone""#,
        #""\ude00\ud83d""#, #""pair broken \ud83dx""#, #""http:\/\/example.com\/a\/b""#, #""\u0041BC""#,
        #""tab\there""#, #""line\nbreak""#, #""carriage\r\nreturn""#, #""quote\"inside""#, #""back\\slash""#,
        #""\b\f""#, #""\u001f""#, #""\u007f""#, #""\u2028\u2029""#, #""\ufeffbom""#, #""\ufffd""#, #""\uffff""#,
        #""NULL""#, #""null""#, #""\\N""#, #""a,b;c|d""#, #""'; DROP TABLE endpoints; --""#, #""{\"json\":[1]}""#,
        #""=1+1""#, #""0123""#, #""1e5""#, #""NaN""#, #""${HOME}""#, #""%00""#, #""<b>&amp;</b>""#, #""$json""#,
        #""0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789""#,
    ]

    /// Names of attributes and metrics. Neighbours are picked together, so what differs in case or in normalisation alone meets in one map.
    static let names: [StaticString] = [
        #""Interests""#, #""interests""#, #""INTERESTS""#, #""age""#, #""Age""#, #""tier""#, #""CohortId""#,
        #""first name""#, #""e-mail""#, #""a:b""#, ##""#tag""##, #""what?""#, #""back\\slash""#, #""a\/b""#, #""c/d""#,
        #""with.dot""#, #""caf\u00e9""#, #""café""#, #""日本語""#, #""Имя""#, #""😀""#, #""\ud83d\ude80""#,
        #""score""#, #""Score""#, #""visits""#, #""lifetime_value""#, #""\u0063ountry""#, #""x y  z""#, #""*""#,
        #""01234567890123456789012345678901234567890123456789""#, #""UserId""#, #""Id""#, #""quote\"d""#,
    ]

    /// Names that a store of text may refuse, or that stand for something else there.
    static let oddNames: [StaticString] = [
        #""""#, #""nul\u0000name""#, #""\ud800""#, #""$json""#, #""\ud83d half""#, #"" leading""#, #""new\nline""#,
    ]

    static let channelTypes: [StaticString] = [
        #""EMAIL""#, #""EMAIL""#, #""EMAIL""#, #""SMS""#, #""SMS""#, #""GCM""#, #""GCM""#, #""APNS""#,
        #""APNS_SANDBOX""#,
        #""APNS_VOIP""#, #""APNS_VOIP_SANDBOX""#, #""PUSH""#, #""ADM""#, #""VOICE""#, #""BAIDU""#, #""CUSTOM""#,
        #""IN_APP""#, #""RCS""#,
    ]

    /// Numbers in many spellings that a double holds: what is stored is the value.
    static let spelledNumbers: [StaticString] = [
        "0", "-0", "0.0", "-0.0", "1e3", "1E+2", "2.5e-3", "100e-2", "1.50", "0.1", "0.30000000000000004",
        "1.7976931348623157e308", "5e-324", "2.2250738585072014e-308", "9007199254740991", "1e23", "-7.25",
    ]

    /// Numbers that a double can't hold exactly: too many digits, or too close to zero.
    static let wideNumbers: [StaticString] = [
        "12345678901234567890", "9007199254740993", "0.12345678901234567890123", "123456789.123456789123456789",
        "9223372036854775808", "-9223372036854775809", "18446744073709551617", "1e-400",
        "3.0000000000000000000000000000000000000001", "0.1000000000000000055511151231257827",
    ]

    /// Numbers beyond a double's range.
    static let overflowingNumbers: [StaticString] = ["1e999999", "-1e999999", "1e309", "123456789e400"]

    /// Dates that aren't exactly `YYYY-MM-DDTHH:MM:SS.mmmZ`, or no dates at all.
    static let oddDates: [StaticString] = [
        #""2018-05-01""#, #""2018-05-01T17:31:01Z""#, #""2018-05-01T17:31:01.046+02:00""#, #""2018-05-01 17:31:01""#,
        #""2018-05-01T17:31:01.046123Z""#, #""2018-05-01t17:31:01.046z""#, #""2018-02-30T00:00:00.000Z""#,
        #""2016-12-31T23:59:60.000Z""#, #""2018-13-01T00:00:00.000Z""#, #""0001-01-01T00:00:00.000Z""#,
        #""9999-12-31T23:59:59.999Z""#, #""1525195861046""#, #""yesterday""#, #""""#,
        #""2018-05-01T17:31:01.046\u005a""#,
        #""2000-02-29T12:00:00.000Z""#, #""1900-02-29T12:00:00.000Z""#, #""2018-05-01T24:00:00.000Z""#,
    ]

    /// Members, of endpoints or of objects in them, that the API's model doesn't know.
    static let unknownMembers: [StaticString] = [
        #""Carrier":"x""#, #""_seen":1700000000123"#, #""Nested":{"a":[1,{"b":null}],"c":{},"d":[]}"#,
        #""Nul":"a\u0000b""#, #""Surrogates":{"\ud800":"x","n":["\udc00"]}"#, #""$json":"x""#,
        #""Meta":{"$json":"y"}"#, #""":"""#, #""na\u0000me":1"#, #""Deep":[[[[[[[[[[[[{}]]]]]]]]]]]]"#,
        #""Flags":[true,false,null,-0,0.0,6,6.0]"#, #""Huge":1e999999"#, #""Wide":12345678901234567890.5"#,
        #""address":"lower case""#, #""USER":{"userid":"shouted"}"#, #""__proto__":{"a":1}"#, #""Nothing":null"#,
        #""Slashes":"\/\u002f/""#,
    ]

    static let demographicNames: [StaticString] = [
        #""AppVersion""#, #""Locale""#, #""Make""#, #""Model""#, #""ModelVersion""#, #""Platform""#,
        #""PlatformVersion""#, #""Timezone""#,
    ]

    /// For each name of `demographicNames` its values.
    static let demographicValues: [[StaticString]] = [
        [#""1.0""#, #""2.14.3""#, #""10""#],
        [#""en_US""#, #""de_DE""#, #""es_419""#, #""haw_US""#, #""zh_Hans_CN""#, #""en-us""#],
        [#""Apple""#, #""Samsung""#, #""Fairphone""#, #""generic web browser""#],
        [#""iPhone""#, #""SM-G991B""#, #""FP5""#, #""Firefox""#],
        [#""15,2""#, #""1.0""#, #""120""#],
        [#""ios""#, #""android""#, #""web""#, #""iOS""#],
        [#""17.4""#, #""14""#, #""10.0""#],
        [#""Europe/Berlin""#, #""America\/Sao_Paulo""#, #""UTC""#, #""Asia/Kolkata""#],
    ]

    static let cities: [StaticString] = [#""Berlin""#, #""Seattle""#, #""São Paulo""#, #""東京""#, #""Winston-Salem""#]
    static let countries: [StaticString] = [#""DE""#, #""DEU""#, #""US""#, #""USA""#, #""BR""#, #""JP""#]
    static let regions: [StaticString] = [#""BE""#, #""WA""#, #""SP""#, #""Île-de-France""#]
}
