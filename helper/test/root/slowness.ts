// How much longer than here things take where the root tests run, for their deadlines: in a VM of `make test-vm` everything is
// emulated, and 10 to 25 times slower. Used by the harnesses of this folder and their tests.

export const SLOWNESS = process.env.VMRUN ? 10 : 1;
