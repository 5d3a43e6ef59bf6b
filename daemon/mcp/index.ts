export { McpHttpServer, type McpServerOptions } from './mcp-server.ts'
export type { McpSubject, QueryableDatabase } from './subject.ts'
