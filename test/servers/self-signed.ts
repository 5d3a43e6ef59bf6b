import { createServer } from 'node:https'

/** For localhost and 127.0.0.1, signed by itself, valid for a hundred years: for tests alone. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1eSRY4QMPBs7QsPv
b7jzHm5Si1o4aaIIo129U69UxiuhRANCAAS92nFz86tQH/VSvW4OkH9JPYzol1E/
CLAtkpIiXNcGCf5xq2d3Iy7FZV/zhdf60yY06nGOQK39TdHJ0PhExVbt
-----END PRIVATE KEY-----`

const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUPkts4STiCnNtOZvKrxYoXkmqCsMwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNTIxNDUzM1oYDzIxMjYxMTAx
MjE0NTMzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS92nFz86tQH/VSvW4OkH9JPYzol1E/CLAtkpIiXNcGCf5xq2d3Iy7F
ZV/zhdf60yY06nGOQK39TdHJ0PhExVbto28wbTAdBgNVHQ4EFgQUjBbbs0C+m+DG
td67alU5oUbVzPcwHwYDVR0jBBgwFoAUjBbbs0C+m+DGtd67alU5oUbVzPcwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhALVGgPb2sfxN4CTzIrNlU6RrjYxeNeRorAcTxvZYM0vRAiAE
ewqLyVQW4DpOnXsvDO9KeT1LvT8Mci8kfcfXK7wg8g==
-----END CERTIFICATE-----`

/** An HTTPS server whose certificate nobody trusts; it answers everything with one body. */
export async function startSelfSigned(body: string): Promise<{ endpoint: string; close(): Promise<void> }> {
  const server = createServer({ key: KEY, cert: CERTIFICATE }, (_, response) => response.end(body))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    endpoint: `https://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
