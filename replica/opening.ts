// What plans states and opens files. With a page map the first query needs none of it, unless files came since; so it is
// loaded while the first requests are under way (`replica.ts`).
export { planAt } from './at-time.ts'
export { catchUp } from './catch-up.ts'
export { Follower } from './follower.ts'
export { IndexLoader } from './index-loader.ts'
export { openNewest, openPlanned } from './open-snapshot.ts'
export { saveSnapshot } from './save-snapshot.ts'
export { warmUp } from './warm-up.ts'
