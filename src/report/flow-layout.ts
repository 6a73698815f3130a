import type { FlowLink, FlowPanel } from './flow-graph.ts'

/** Sizes of the picture in pixels of its own space. */
export interface LayoutSizes {
  readonly nodeWidth: number
  /** Left edges of the first and the last column. */
  readonly left: number
  readonly right: number
  /** The least room from one node's top to the next, for its label. */
  readonly slotEnd: number
  readonly slot: number
  readonly gap: number
}

export interface PlacedNode {
  readonly key: string
  readonly x: number
  y: number
  readonly height: number
}

export interface PlacedLink {
  readonly link: FlowLink
  readonly thickness: number
  /** Top edge at each crossing of a column: the source's right side, ways between, the target's left side. */
  readonly points: readonly { readonly x: number; readonly y: number; readonly width: number }[]
}

export interface Layout {
  readonly nodes: ReadonlyMap<string, PlacedNode>
  readonly links: readonly PlacedLink[]
  readonly height: number
}

interface Item {
  readonly key: string
  readonly column: number
  height: number
  slot: number
  /** Room below it. */
  readonly gap: number
  y: number
  order: number
  readonly before: Item[]
  readonly after: Item[]
}

const SWEEPS = 12
/** Room between two lanes. */
const LANE_GAP = 3

/**
 * Layers the panel from left to right. A link that crosses columns keeps a lane in each, so that nothing is drawn over a
 * node. Only sums, products and comparisons: the same picture on every machine.
 */
export function layoutFlow(panel: FlowPanel, sizes: LayoutSizes): Layout {
  const endHeight = panel.ends.length * (sizes.slotEnd + sizes.gap)
  const flowHeight = Math.min(900, Math.max(220, endHeight * 0.5))
  const thicknessOf = (amount: bigint): number =>
    panel.total === 0n ? 1 : Math.max(1, (Number((amount * 1000000n) / panel.total) / 1000000) * flowHeight)

  const into = new Map<string, number>()
  const out = new Map<string, number>()
  for (const { from, to, amount } of panel.links) {
    out.set(from, (out.get(from) ?? 0) + thicknessOf(amount))
    into.set(to, (into.get(to) ?? 0) + thicknessOf(amount))
  }
  const items = new Map<string, Item>()
  const columns: Item[][] = Array.from({ length: panel.lastColumn + 1 }, () => [])
  const add = (key: string, column: number, height: number, slot: number, gap: number): Item => {
    const item: Item = { key, column, height, slot: Math.max(slot, height), gap, y: 0, order: 0, before: [], after: [] }
    items.set(key, item)
    columns[column].push(item)
    return item
  }
  const keys = new Set(panel.links.flatMap(({ from, to }) => [from, to]))
  for (const key of [...panel.nodes.keys()].filter((each) => keys.has(each) && !panel.ends.includes(each))) {
    const column = panel.columns.get(key)!
    add(key, column, Math.max(3, into.get(key) ?? 0, out.get(key) ?? 0), sizes.slot, sizes.gap)
  }
  for (const key of panel.ends) add(key, panel.lastColumn, Math.max(3, into.get(key) ?? 0), sizes.slotEnd, sizes.gap)

  const lanes = new Map<FlowLink, Item[]>()
  for (const link of panel.links) {
    const from = items.get(link.from)!
    const to = items.get(link.to)!
    const way = [from]
    for (let column = from.column + 1; column < to.column; column++) {
      // Lanes to one end run together: a hundred ways into one service are one strand, not a hundred threads.
      const key = `lane\0${link.to}\0${link.end}\0${column}`
      const lane = items.get(key) ?? add(key, column, 0, 0, LANE_GAP)
      lane.height += thicknessOf(link.amount)
      lane.slot = lane.height
      way.push(lane)
    }
    way.push(to)
    for (let index = 1; index < way.length; index++) {
      way[index - 1].after.push(way[index])
      way[index].before.push(way[index - 1])
    }
    lanes.set(link, way)
  }

  orderColumns(columns)
  const height = place(columns)
  const step = panel.lastColumn === 0 ? 0 : (sizes.right - sizes.left) / panel.lastColumn
  const nodes = new Map<string, PlacedNode>()
  for (const item of items.values()) {
    nodes.set(item.key, { key: item.key, x: sizes.left + step * item.column, y: item.y, height: item.height })
  }
  return { nodes, links: placeLinks(panel, lanes, nodes, thicknessOf, sizes.nodeWidth), height }
}

/** Orders what stands between the seeds and the ends by the middle of what it hangs on, back and forth. */
function orderColumns(columns: Item[][]): void {
  for (const column of columns) {
    for (const [index, item] of column.entries()) item.order = index
    stack(column, 0)
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const back = sweep % 2 === 0
    const order = back ? columns.slice(0, -1).reverse() : columns.slice(1, -1)
    for (const column of order) {
      const wanted = new Map(column.map((item) => [item, middle(back ? item.after : item.before) ?? item.order]))
      column.sort((a, b) => wanted.get(a)! - wanted.get(b)! || a.order - b.order)
      for (const [index, item] of column.entries()) item.order = index
      stack(column, 0)
    }
  }
}

function stack(column: readonly Item[], from: number): number {
  let y = from
  for (const item of column) {
    item.y = y
    y += item.slot + item.gap
  }
  return y
}

function middle(neighbours: readonly Item[]): number | undefined {
  let weight = 0
  let sum = 0
  for (const item of neighbours) {
    sum += (item.y + item.height / 2) * item.height
    weight += item.height
  }
  return weight === 0 ? undefined : sum / weight
}

/** The ends stand in their list; everything else as near to what it leads to as its neighbours allow. */
function place(columns: Item[][]): number {
  const heights = columns.map((column) => stack(column, 0))
  const height = Math.max(...heights)
  const last = columns.length - 1
  stack(columns[last], (height - heights[last]) / 2)
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const back = sweep % 2 === 0
    const order = back ? columns.slice(0, -1).reverse() : columns.slice(1, -1)
    for (const column of order) {
      for (const item of column) {
        const wanted = middle(back ? item.after : [...item.before, ...item.after])
        if (wanted !== undefined) item.y = wanted - item.height / 2
      }
      settle(column, height)
    }
  }
  return height
}

/**
 * Gives each item the place it wants as nearly as the others allow, in their order and without overlap: the least squares
 * under an order (pool adjacent violators), so that a crowd spreads both ways.
 */
function settle(column: readonly Item[], height: number): void {
  let room = 0
  const blocks: { sum: number; weight: number; count: number }[] = []
  for (const item of column) {
    const weight = Math.max(1, item.height)
    let block = { sum: (item.y - room) * weight, weight, count: 1 }
    room += item.slot + item.gap
    for (
      let last = blocks.at(-1);
      last !== undefined && last.sum / last.weight >= block.sum / block.weight;
      last = blocks.at(-1)
    ) {
      blocks.pop()
      block = { sum: last.sum + block.sum, weight: last.weight + block.weight, count: last.count + block.count }
    }
    blocks.push(block)
  }
  const highest = Math.max(0, height - room)
  let index = 0
  let below = 0
  for (const { sum, weight, count } of blocks) {
    const start = Math.min(highest, Math.max(0, sum / weight))
    for (let each = 0; each < count; each++, index++) {
      column[index].y = start + below
      below += column[index].slot + column[index].gap
    }
  }
}

/** Stacks the ribbons at each node's sides in the order of where they go and come from, so that they cross least. */
function placeLinks(
  panel: FlowPanel,
  lanes: ReadonlyMap<FlowLink, readonly Item[]>,
  nodes: ReadonlyMap<string, PlacedNode>,
  thicknessOf: (amount: bigint) => number,
  nodeWidth: number,
): PlacedLink[] {
  const leaving = new Map<string, FlowLink[]>()
  const arriving = new Map<string, FlowLink[]>()
  for (const link of panel.links) {
    leaving.set(link.from, [...(leaving.get(link.from) ?? []), link])
    arriving.set(link.to, [...(arriving.get(link.to) ?? []), link])
  }
  const offsets = (sides: Map<string, FlowLink[]>, other: (way: readonly Item[]) => Item): Map<FlowLink, number> => {
    const found = new Map<FlowLink, number>()
    for (const [key, links] of sides) {
      const node = nodes.get(key)!
      links.sort(
        (a, b) => other(lanes.get(a)!).y - other(lanes.get(b)!).y || panel.links.indexOf(a) - panel.links.indexOf(b),
      )
      let y = node.y
      for (const link of links) {
        found.set(link, y)
        y += thicknessOf(link.amount)
      }
    }
    return found
  }
  const inside = laneOffsets(panel, lanes, thicknessOf)
  const starts = offsets(leaving, (way) => way[1])
  const stops = offsets(arriving, (way) => way[way.length - 2])
  return panel.links.map((link) => {
    const way = lanes.get(link)!
    const points = way.map((item, index) => {
      const { x, y } = nodes.get(item.key)!
      if (index === 0) return { x: x + nodeWidth, y: starts.get(link)!, width: 0 }
      if (index === way.length - 1) return { x, y: stops.get(link)!, width: 0 }
      return { x, y: y + inside.get(link)![index], width: nodeWidth }
    })
    return { link, thickness: thicknessOf(link.amount), points }
  })
}

/** How far below a lane's top each link runs in it, by the link's place on its way: in the order in which they enter. */
function laneOffsets(
  panel: FlowPanel,
  lanes: ReadonlyMap<FlowLink, readonly Item[]>,
  thicknessOf: (amount: bigint) => number,
): Map<FlowLink, number[]> {
  const found = new Map<FlowLink, number[]>(panel.links.map((link) => [link, []]))
  const filled = new Map<Item, number>()
  const order = [...panel.links].sort((a, b) => {
    const [from, other] = [lanes.get(a)![0], lanes.get(b)![0]]
    return from.column - other.column || from.y - other.y || panel.links.indexOf(a) - panel.links.indexOf(b)
  })
  for (const link of order) {
    const way = lanes.get(link)!
    for (let index = 1; index < way.length - 1; index++) {
      const offset = filled.get(way[index]) ?? 0
      found.get(link)![index] = offset
      filled.set(way[index], offset + thicknessOf(link.amount))
    }
  }
  return found
}
