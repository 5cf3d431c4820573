/**
 * How LMDB lays out its file (liblmdb of lmdb 3.5, data version 2, mdb.c: MDB_page_header, MDB_meta, MDB_db, MDB_node), in
 * the machine's byte order. Known here only so that page-check.ts can look at it before LMDB does.
 *
 * ```
 * page    u64 number · u64 transaction that wrote it · u16 · u16 flags · u16 lower · u16 upper, or u32 length of an overflow run
 *         u16 offsets of nodes, up to `lower` · free · nodes, from `upper` to the end; all counted from behind the header
 * node    u16 u16 u16: number of a child page in a branch; in a leaf the data's length (32 bits) and flags · u16 length of
 *         the key · key · data, or where it is: u64 first page · u64 transaction · u64 number of pages
 * meta    pages 0 and 1: u32 magic · u32 version · u64 address · u64 size of the map · the tree of free pages · the main
 *         tree · u64 last page · u64 transaction
 * tree    u32 (page size) · u16 flags · u16 depth · u64 branch pages · u64 leaf pages · u64 overflow pages · u64 entries · u64 root
 * ```
 */
export const PAGE_HEADER_BYTES = 24;
export const NODE_HEADER_BYTES = 8;
/** What a node has instead of data that is on pages of its own. */
export const RUN_BYTES = 24;
/** The least size of a page, and of what tells the page size. */
export const META_BYTES = 168;

export const BRANCH = 0x01;
export const LEAF = 0x02;
export const OVERFLOW = 0x04;
export const META_PAGE = 0x08;
/** Of a node: its data is on pages of its own. */
export const BIG_DATA = 0x01;

export const MAGIC = 0xbeefc0de;
export const DATA_VERSION = 2;
/** The root of an empty tree. */
export const NO_PAGE = 2 ** 64;

/** What a meta page says of one of the two trees. */
export interface TreeRecord {
  readonly pad: number;
  readonly flags: number;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  readonly root: number;
}

export interface Meta {
  readonly pageFlags: number;
  readonly magic: number;
  readonly version: number;
  readonly address: number;
  readonly free: TreeRecord;
  readonly main: TreeRecord;
  readonly lastPage: number;
  readonly txn: number;
}

export interface PageHeader {
  readonly number: number;
  readonly txn: number;
  readonly flags: number;
  readonly lower: number;
  readonly upper: number;
  /** The length of the run that begins here, when this is an overflow page. */
  readonly run: number;
}

export function metaOf(view: DataView): Meta {
  return {
    pageFlags: u16(view, 18),
    magic: u32(view, 24),
    version: u32(view, 28),
    address: u64(view, 32),
    free: treeOf(view, 48),
    main: treeOf(view, 96),
    lastPage: u64(view, 144),
    txn: u64(view, 152),
  };
}

export function headerOf(view: DataView): PageHeader {
  return { number: u64(view, 0), txn: u64(view, 8), flags: u16(view, 18), lower: u16(view, 20), upper: u16(view, 22), run: u32(view, 20) };
}

function treeOf(view: DataView, at: number): TreeRecord {
  return {
    pad: u32(view, at),
    flags: u16(view, at + 4),
    depth: u16(view, at + 6),
    branchPages: u64(view, at + 8),
    leafPages: u64(view, at + 16),
    overflowPages: u64(view, at + 24),
    entries: u64(view, at + 32),
    root: u64(view, at + 40),
  };
}

export function u16(view: DataView, at: number): number {
  return view.getUint16(at, IS_LITTLE_ENDIAN);
}

export function u32(view: DataView, at: number): number {
  return view.getUint32(at, IS_LITTLE_ENDIAN);
}

/** Rounded beyond 2^53, where nothing that is right lies. */
export function u64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, IS_LITTLE_ENDIAN));
}

export function i64(view: DataView, at: number): number {
  return Number(view.getBigInt64(at, IS_LITTLE_ENDIAN));
}

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
