// What finds out which pages are read next. The first page is read without it (`pinned-pages.ts`).
export { PageForesight } from './page-foresight.ts'
export { ReadAhead } from './read-ahead.ts'
export { Trees } from './trees.ts'
