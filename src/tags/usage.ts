/** How the commands about tags and posts are written; apart from what they do, so that help needs no store. */
export const POSTS_USAGE = `proceeds posts scan FILE… --out PROPOSALS.csv [--suspicions FILE] [--lexicon FILE] [--field text=NAME…] [--store DIR] [--fresh]
       proceeds posts accept PROPOSALS.csv --store DIR --by NAME [--all]`

export const TAGS_USAGE = `proceeds tags import FILE… --store DIR [--revive]
       proceeds tags export --store DIR --format tagpack|csv --out FILE [--as-of TIME] [--title TEXT] [--creator TEXT]
       proceeds tags list ADDRESS --store DIR [--chain CHAIN] [--as-of TIME]
       proceeds tags retract CLAIM --store DIR --reason TEXT --by NAME`
