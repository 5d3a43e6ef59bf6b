/** Called with the name of the place that the writer is about to leave behind. */
export type FaultHook = (name: string) => void

let hook: FaultHook | undefined

/** Crash tests put their killer here; nothing else uses it. */
export function setFaultHook(next: FaultHook | undefined): void {
  hook = next
}

/** Marks a place between two file-system or storage operations. Does nothing unless a test asked for it. */
export function faultPoint(name: string): void {
  hook?.(name)
}
