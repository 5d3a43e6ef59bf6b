// Nothing to configure: Vite finds the package's browser entry, and copies the builds of SQLite that it names.
import { open } from 'litetap'

const url = new URLSearchParams(location.search).get('replica') ?? ''
const db = await open(url)
const row = await db.get('SELECT count(*) AS n FROM orders')
document.querySelector<HTMLOutputElement>('#orders')!.value = String(row?.n)
document.title = 'done'
