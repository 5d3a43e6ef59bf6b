// The whole surface of the tier that lasts in browsers and Workers.
export { WebCacheProblem, type WebCacheProblemCode } from './problem.ts'
export { WebCache, type WebCacheOptions } from './web-cache.ts'
