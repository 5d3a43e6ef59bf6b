import { Later } from './later.ts'

/** What plans states and opens files, by itself as large as all that the first query needs of a reader. */
export const opening = new Later(() => import('./opening.ts'))
