import { Later } from './later.ts'

/** What finds out which pages are read next: it is loaded while a query waits for its first one. */
export const ahead = new Later(() => import('./ahead.ts'))
