/** A line between reader and store. */
export interface Line {
  readonly name: string
  readonly rttMs: number
  readonly mbit: number
}

/** @param name RTT in ms / Mbit/s, as `30/100` @throws Error when it is none */
export function parseLine(name: string): Line {
  const [rttMs, mbit] = name.split('/').map(Number)
  if (!(rttMs! >= 0) || !(mbit! >= 0)) throw new Error(`A line is RTT/Mbit, as 30/100, not ${name}; see --help`)
  return { name, rttMs: rttMs!, mbit: mbit! }
}
