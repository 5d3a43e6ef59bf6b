import { expect, test } from 'vitest'
import * as file from '../../storage/file/index.ts'
import * as http from '../../storage/http/index.ts'
import * as nats from '../../storage/nats/index.ts'
import * as storage from '../../storage/node.ts'
import * as r2 from '../../storage/r2/index.ts'
import * as s3 from '../../storage/s3/index.ts'
import * as sftp from '../../storage/sftp/index.ts'
import * as webdav from '../../storage/webdav/index.ts'

test('the surface of storage/', () => {
  expect(Object.keys(storage).sort()).toEqual([
    'CATALOG_NAME',
    'Lease',
    'MemoryReplica',
    'OPEN_REPLICA_OPTIONS',
    'PAGE_MAP_NAME',
    'PageMapKeeper',
    'RequestCounts',
    'RetryingReader',
    'StorageError',
    'decodeCatalog',
    'decodeLease',
    'encodeCatalog',
    'environmentCredentials',
    'formatTimestamp',
    'isObservable',
    'isStorageError',
    'layoutKey',
    'layoutOf',
    'layoutPath',
    'lent',
    'listDated',
    'memoryReplica',
    'nameKey',
    'openReplica',
    'openReplicaSettings',
    'parseReplicaURL',
    'parseTimestamp',
    'readAll',
    'redactURL',
    'replicaClient',
    'replicaSettings',
    'sameFiles',
    'sidecarKey',
    'withCatalog',
    'withCounting',
    'withEnvironment',
    'withObserver',
    'withRetry',
  ])
  expect(Object.keys(file).sort()).toEqual(['FileReplica', 'mkdirDurable', 'syncDir', 'writeDurable'])
  expect(Object.keys(http).sort()).toEqual(['EVENTS_NAME', 'HttpReplica', 'openHttp', 'watchEvents'])
  expect(Object.keys(r2).sort()).toEqual(['R2Replica', 'r2Replica'])
  expect(Object.keys(s3)).toEqual(['S3Replica'])
  expect(Object.keys(sftp).sort()).toEqual(['SftpReplica', 'openSftp'])
  expect(Object.keys(webdav).sort()).toEqual(['WebdavReplica', 'openWebdav'])
  expect(Object.keys(nats).sort()).toEqual(['NatsReplica', 'openNats'])
})
