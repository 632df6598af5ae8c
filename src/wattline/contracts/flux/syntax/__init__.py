"""The grammar of the query string and of the request headers: text in, plain nodes (`ast`) out, or PGRST100 and its kin.

Nothing here knows a table or a type: names and literals stay text until `expression.bind` checks them.
"""
