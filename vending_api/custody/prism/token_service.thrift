// Operations and facts of Prism's token service, as public documents tell of them. EXPERIMENTAL.
//
// The documents name operations, what goes in, what comes out, and which errors there are. Names
// and numbers of fields and the words of `code` are ours: where they differ from the interface
// description that comes with a device, this file is what is to be changed, and README.md says how.

namespace py token_service_thrift

/** Why something was not done. */
exception Declined {
  /** sign_in_refused, session_expired, result_not_found, key_not_found, key_expired,
      key_expired_at_verify, before_base_date, default_key, bad_crc, malformed, algorithm_refused. */
  1: required string code
  /** For people; it is never read, and never logged. */
  2: optional string text
}

struct Meter {
  1: required string pan            // 18 digits
  2: required i8 encryption_algorithm  // 7 or 11
  3: required i8 token_carrier      // 2: digits that somebody types
  4: required string supply_group_code // 6 digits
  5: required i8 key_revision_number   // 1 to 9
  6: required i8 tariff_index       // 0 to 99
  7: required i16 key_expiry_number // 0 to 255
}

struct NewKey {
  1: required string supply_group_code
  2: required i8 key_revision_number
  3: required i8 tariff_index
  4: required i16 key_expiry_number
}

/** What a token is to say, or says; of a meter test nothing but class and subclass. */
struct Saying {
  1: required i8 token_class
  2: required i8 subclass
  /** Minutes since the base date of the key. */
  3: optional i32 token_identifier
  /** A whole number in the smallest step of its kind: tenths of a unit, hundred-thousandths of
      currency, watts; else the 16 bits as they are. */
  4: optional string value
  /** 0 to 15, where the service lets it be chosen, and tells it. */
  5: optional i8 random
}

struct Token {
  1: required string digits         // 20 digits
  2: optional Saying saying         // what was truly encoded
}

struct Result {
  1: required list<Token> tokens
  /** Of the vending key that was used. */
  2: optional string key_check_value
  3: optional string module_id
}

struct Session {
  1: required string access_token
}

service TokenService {
  string ping(1: string echo)

  Session sign_in(1: string message_id, 2: string realm, 3: string user, 4: string password)
    throws (1: Declined declined)

  /** `issued_at`: seconds since 1970 in UTC, the time of the token identifier, if external_clock. */
  Result issue_credit(1: string message_id, 2: string access_token, 3: Meter meter,
                      4: Saying saying, 5: bool external_clock, 6: i64 issued_at)
    throws (1: Declined declined)

  Result issue_management(1: string message_id, 2: string access_token, 3: Meter meter,
                          4: Saying saying, 5: bool external_clock, 6: i64 issued_at)
    throws (1: Declined declined)

  Result issue_meter_test(1: string message_id, 2: string access_token, 3: i8 subclass,
                          4: i64 control, 5: string manufacturer_code)
    throws (1: Declined declined)

  Result issue_key_change(1: string message_id, 2: string access_token, 3: Meter meter,
                          4: NewKey new_key)
    throws (1: Declined declined)

  Saying verify(1: string message_id, 2: string access_token, 3: Meter meter, 4: string digits)
    throws (1: Declined declined)

  /** What became of an earlier message: its result, or what it was declined for. */
  Result fetch_result(1: string message_id, 2: string access_token, 3: string of_message_id)
    throws (1: Declined declined)
}
