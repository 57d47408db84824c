"""The rules of the signing payload: pure, with no AWS, no I/O, no clock and no environment.

Two programs use it: this service, and the endpoint that takes the deallocation, which calls
`deallocation.parse_deallocation_request`.
"""
