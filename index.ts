// The package in Node.
export * from './entry/node.ts'
