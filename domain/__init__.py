"""The rules of the signing payload: pure, with no AWS, no I/O, no clock and no environment.

Two use it: this service, and the endpoint that is handed a payload (`payload.check_payload`).
"""
