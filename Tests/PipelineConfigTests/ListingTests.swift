import PipelineConfig
import PipelineCore
import Testing

@Suite struct ListingTests {
    @Test func listing() {
        let expected = """
            user reader 'file': IDs from a file
              path    a path, or '-' for standard input; required. The file
              format  one of lines, csv, ndjson; optional. How the file is laid out
              column  a path of names such as User.UserId or [User, UserId]; optional. Where an ID stands
              header  true or false; default true. The first line names the columns

            source 'pinpoint': GetUserEndpoints for each ID
              application_id  text; required. The application
              region          text; optional. The region
              endpoint_url    text; optional. Another endpoint
              profile         text; optional. An AWS profile
              users           user reader; required. Where the IDs come from
              rate_limit      a mapping; default {}. How fast
                requests_per_second  a number, from 0.1 to 10000; default 300. Rate
                burst                a whole number, from 1 to 10000; default 30. Burst
                adaptive             true or false; default true. Follow 429s
              concurrency     a whole number, from 1 to 1024; default 64. Calls at once
              retry           a mapping; default {}. How often
                max_attempts  a whole number, from 1 to 100; default 8. Attempts
                max_delay     a duration such as 500ms, 20s, 5m, 1h or 1d, from 1ms to 1h; default 20s. Delay
                deadline      a duration such as 500ms, 20s, 5m, 1h or 1d, from 1s to 1d; default 2m. Deadline

            transform 'filter': Keeps endpoints
              where  mapping of names to: list of: text; required. Values by member

            transform 'mask': Hides values
              paths  list of: a path of names such as User.UserId or [User, UserId]; required. What is hidden
              with   one of redact, hmac-sha256; default redact. How
              key    text, never printed; optional. The key

            sink 'sqlite': Rows into an SQLite database
              path        a path; required. The database
              mode        one of merge, append; default merge. How
              name        1 to 63 of a-z, 0-9, '_' and '-', with a letter or a digit first; optional. Name of the sink; the type where it isn't given
              transforms  list of: transform; default []. Edits for this sink alone, after the shared ones

            sink 'ndjson': Rows into files
              path           a path; required. The folder
              level          a whole number, from 1 to 9; default 6. Compression
              max_file_size  a size such as 64KB, 256MB or 1GB, from 1KB to 1024GB; default 256MB. Size of a file
              url            text, never printed; optional. A URL with a password
              padding        a size such as 64KB, 256MB or 1GB, at most 1KB; default 1KB. Came later
              name           1 to 63 of a-z, 0-9, '_' and '-', with a letter or a digit first; optional. Name of the sink; the type where it isn't given
              transforms     list of: transform; default []. Edits for this sink alone, after the shared ones

            """
        #expect(PluginListing.text(registry: Fakes.registry) == expected)
        #expect(PluginListing.text(registry: PluginRegistry()) == "\n")
    }
}
