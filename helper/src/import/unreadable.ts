// Why a file of another program cannot be read: continues "X is not a recording: ".

export class Unreadable extends Error {}
