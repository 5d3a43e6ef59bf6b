import { numbers } from './numbers.ts'

/** A database that has something of everything that SQLite has. */
export const SURFACE_DATABASE = `
  PRAGMA page_size = 1024;
  CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT, profile TEXT);
  CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers, day TEXT, amount REAL, note TEXT);
  CREATE INDEX orders_customer ON orders (customer);
  CREATE INDEX orders_day ON orders (day, amount);
  CREATE TABLE tags (name TEXT, orderid INTEGER, PRIMARY KEY (name, orderid)) WITHOUT ROWID;
  CREATE TABLE files (id INTEGER PRIMARY KEY, content BLOB);
  CREATE VIRTUAL TABLE notes USING fts5 (title, body);
  CREATE VIRTUAL TABLE places USING rtree (id, x0, x1, y0, y1);
  ${numbers(300)} INSERT INTO customers SELECT i, 'Name ' || i, 'Town ' || (i % 17),
    json_object('age', 20 + i % 60, 'tags', json_array('a' || (i % 5), 'b')) FROM n;
  ${numbers(6000)} INSERT INTO orders SELECT i, 1 + (i * 7919) % 300, date('2026-01-01', (i % 90) || ' days'),
    ((i * 31) % 10007) / 7.0, 'note ' || hex(i * 1000003) FROM n;
  ${numbers(2000)} INSERT INTO tags SELECT 'tag ' || (i % 40), i FROM n;
  INSERT INTO files SELECT i, zeroblob(i * 997) || CAST(i AS BLOB) FROM (${numbers(40)} SELECT i FROM n);
  ${numbers(900)} INSERT INTO notes (title, body) SELECT 'title ' || i,
    'the quick ' || CASE i % 7 WHEN 0 THEN 'brown fox' WHEN 3 THEN 'red hen' ELSE 'grey cat' END || ' jumps over number ' || i
    FROM n;
  ${numbers(800)} INSERT INTO places SELECT i, i % 40, i % 40 + 1, i / 40, i / 40 + 1 FROM n;
  ANALYZE;
`

/** Queries to which the system's SQLite and ours must give the same answer. */
export const SURFACE_QUERIES: readonly string[] = [
  'SELECT count(*), sum(amount), min(day), max(note), avg(customer) FROM orders',
  'SELECT * FROM orders WHERE id = 4321',
  'SELECT * FROM orders WHERE customer = 17 ORDER BY id',
  'SELECT * FROM orders WHERE id BETWEEN 1000 AND 1400',
  "SELECT day, amount FROM orders WHERE day = '2026-02-03' ORDER BY amount DESC LIMIT 20",
  'SELECT * FROM orders ORDER BY id DESC LIMIT 500',
  'SELECT note FROM orders ORDER BY note LIMIT 1000',
  'SELECT c.city, count(*), sum(o.amount) FROM customers c JOIN orders o ON o.customer = c.id GROUP BY c.city ORDER BY 1',
  'SELECT c.name FROM customers c LEFT JOIN orders o ON o.customer = c.id AND o.amount > 1400 WHERE o.id IS NULL ORDER BY 1',
  'SELECT id, amount, rank() OVER (PARTITION BY customer ORDER BY amount) AS r, sum(amount) OVER (ORDER BY id ROWS 3 PRECEDING) AS s FROM orders WHERE customer < 20 ORDER BY id',
  'WITH RECURSIVE chain (id, depth) AS (SELECT 1, 0 UNION ALL SELECT (id * 7) % 300 + 1, depth + 1 FROM chain WHERE depth < 60) SELECT c.name, chain.depth FROM chain JOIN customers c ON c.id = chain.id ORDER BY depth',
  "SELECT json_extract(profile, '$.age') AS age, count(*) FROM customers GROUP BY 1 ORDER BY 1",
  "SELECT c.id, t.value FROM customers c, json_each(c.profile, '$.tags') t WHERE c.id < 30 ORDER BY 1, 2",
  "SELECT orderid FROM tags WHERE name = 'tag 7' ORDER BY orderid",
  'SELECT name, count(*) FROM tags GROUP BY name ORDER BY name',
  "SELECT rowid, title FROM notes WHERE notes MATCH 'fox' ORDER BY rank LIMIT 20",
  "SELECT rowid, snippet(notes, 1, '[', ']', '...', 6) AS s, bm25(notes) AS b FROM notes WHERE notes MATCH 'red NEAR hen' ORDER BY b, rowid LIMIT 10",
  "SELECT highlight(notes, 1, '<', '>') AS h FROM notes WHERE notes MATCH 'quick + brown' ORDER BY rowid LIMIT 5",
  'SELECT id FROM places WHERE x0 >= 3 AND x1 <= 9 AND y0 >= 2 AND y1 <= 8 ORDER BY id',
  'SELECT id, length(content), hex(substr(content, -3)) FROM files ORDER BY id',
  'SELECT content FROM files WHERE id = 33',
  'SELECT name, sql FROM sqlite_schema ORDER BY name',
  'SELECT * FROM sqlite_stat1 ORDER BY 1, 2',
  'EXPLAIN QUERY PLAN SELECT * FROM orders o JOIN customers c ON c.id = o.customer WHERE o.day > 5',
  'SELECT a.id FROM orders a JOIN orders b ON b.id = a.id + 1 JOIN orders c ON c.id = b.id + 1 JOIN orders d ON d.id = c.id + 1 JOIN orders e ON e.id = d.id + 1 JOIN customers f ON f.id = e.customer WHERE a.id % 97 = 0 ORDER BY 1',
  `SELECT ${'('.repeat(60)}1${')'.repeat(60)} AS deep`,
  `SELECT count(*) FROM (${Array.from({ length: 100 }, (_, i) => `SELECT id FROM customers WHERE id = ${i}`).join(' UNION ALL ')})`,
  'PRAGMA integrity_check',
  'PRAGMA quick_check',
  'PRAGMA table_info(orders)',
  'PRAGMA foreign_key_check',
  "SELECT typeof(NULL), typeof(1), typeof(1.5), typeof(x'00'), 9007199254740991, -9007199254740991, '', char(0x1F600)",
]
