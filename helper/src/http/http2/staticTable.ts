// The fields that every HPACK decoder knows from the start (RFC 7541, appendix A).

export type StaticField = readonly [name: string, value: string];

const WITH_VALUES = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate`;

const NAMES = `accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control
content-disposition content-encoding content-language content-length content-location content-range content-type cookie date
etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified link location
max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after server set-cookie strict-transport-security
transfer-encoding user-agent vary via www-authenticate`;

/** Index 1 is the first. */
export const STATIC_TABLE: readonly StaticField[] = [
  ...WITH_VALUES.split('\n').map((line): StaticField => {
    const space = line.indexOf(' ');
    return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
  }),
  ...NAMES.split(/\s+/).map((name): StaticField => [name, '']),
];
