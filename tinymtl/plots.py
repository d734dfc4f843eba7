"""stub to be written"""
