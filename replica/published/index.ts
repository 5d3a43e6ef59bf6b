// What writes published states, for those who write: a reader loads none of it.
export { type PageMapFile, PageMapMaker } from './page-map-maker.ts'
