import { fileKey, type Levels } from '../../replica/index.ts'
import { decodeCatalog, readAll, type StoreProbe } from '../../storage/index.ts'
import { type Finding, ok, warning } from './finding.ts'

const NAME = 'catalog.json'

/** Whether the catalog, if there is one, lists what is there. */
export async function checkCatalog(probe: StoreProbe, levels: Levels): Promise<Finding> {
  const body = await probe.get(NAME)
  const hint = 'litetap catalog writes it; replicate -catalog keeps it current.'
  if (body === undefined) return ok('catalog', 'There is none; readers behind a plain web server need one', hint)
  const listed = new Set(decodeCatalog(await readAll(body), NAME).files.map(fileKey))
  const present = levels.flat().map(fileKey)
  const missing = present.filter((key) => !listed.delete(key)).length
  if (missing === 0 && listed.size === 0) return ok('catalog', 'It lists the files that are there')
  return warning('catalog', `It lacks ${missing} files, and has ${listed.size} that are gone`, hint)
}
