// The whole surface of the tier that lasts in browsers and Workers.
export { WebCache, type WebCacheOptions } from './web-cache.ts'
