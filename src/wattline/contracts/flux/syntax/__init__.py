"""The grammar of the query string and of the request headers: text in, plain nodes (`ast`) out, or PGRST100 and its kin.

Nothing here knows a table or a type: names and literals stay text until `binding` checks them. Entry points: `query.parse`,
`prefer.parse`, `ranges.parse` and `ranges.intersect`, `accept.choose`. Whatever the text, they raise nothing but `Refusal`.
"""
