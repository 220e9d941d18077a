// The protocol's version, compared in the handshake. Helper and client must match exactly: both ship in one VSIX, so a
// mismatch means an old helper outlived an update.
//
//   1  one process, CPU samples
//   2  a recording is a set of tracers of one target

export const PROTOCOL_VERSION = 2;

/** Version of the `ebpfTracer` key of a recording file. Readers accept this one and older ones. */
export const RECORDING_FORMAT_VERSION = 2;

/** Version of the whole product: package.json's (a unit test compares). */
export const TRACER_VERSION = '0.1.0';
